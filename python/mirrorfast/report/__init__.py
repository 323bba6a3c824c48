"""Reports on runs."""

from mirrorfast.report.write import write_report

__all__ = ["write_report"]
