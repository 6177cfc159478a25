"""What every web room shares: errors, access, bodies, request ids."""
