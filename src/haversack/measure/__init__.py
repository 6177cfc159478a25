"""What a pack takes in memory and time, measured on this machine in processes of their own."""
