"""The page for a person who has a photo: its files, and the photos it offers to try."""
