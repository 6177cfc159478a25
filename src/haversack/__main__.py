"""`python -m haversack`."""

from haversack.cli import main

main()
