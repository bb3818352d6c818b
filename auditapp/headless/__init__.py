"""The audit without a web application: from command-line options to result document and PDF."""

from auditapp.headless.findings import FAIL_ON, findings_at
from auditapp.headless.options import Options
from auditapp.headless.planned import plan_of
from auditapp.headless.run import Say, run

__all__ = ["FAIL_ON", "Options", "Say", "findings_at", "plan_of", "run"]
