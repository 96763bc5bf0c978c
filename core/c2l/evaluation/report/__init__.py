"""Reports as single HTML files: no scripts, nothing to load, light and dark."""

from __future__ import annotations

from c2l.evaluation.report.comparison import comparison_page
from c2l.evaluation.report.evaluation import report_page

__all__ = ["comparison_page", "report_page"]
