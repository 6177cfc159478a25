"""Surveys: one detector over a hundred thousand large photos, every photo accounted for."""
