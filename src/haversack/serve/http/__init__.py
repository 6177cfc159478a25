"""What HTTP needs: the contract table, the routes behind it, and how a request is taken in."""
