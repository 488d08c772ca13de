"""Tables, charts and maps put together into one page."""

from betweengiants.report.page import Written, write_report

__all__ = ["Written", "write_report"]
