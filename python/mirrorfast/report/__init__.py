"""Reports on runs."""

from mirrorfast.report.weekly import WeeklyReport, weekly_report
from mirrorfast.report.write import write_report

__all__ = ["WeeklyReport", "weekly_report", "write_report"]
