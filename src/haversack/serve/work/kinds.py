"""What kinds of jobs there are."""

from __future__ import annotations

from haversack.jobs.survey_wish import KIND

REQUEST = "request"
"""Of jobs that are a V1 or V2 request."""
KINDS = ("predict", REQUEST, KIND)
