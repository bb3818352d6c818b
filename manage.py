#!/usr/bin/env python
"""Run a management command of Evenhand."""

import os
import sys

from django.core.management import execute_from_command_line


def main() -> None:
    """Read the settings from the environment and run the command."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "auditapp.settings")
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
