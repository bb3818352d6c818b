"""Prediction tasks on Census microdata, declared as data and applied without the package.

`catalogue` lists the eight tasks of Ding, Hardt, Miller and Schmidt, "Retiring Adult" (NeurIPS
2021), as the folktables package 0.0.12 defines them. A task is names and conditions in a small
fixed grammar (`grammar`), so that an auditor can write one; nothing of it is ever run as code.
"""

from auditapp.folktables.tasks import Task, catalogue, find

__all__ = ["Task", "catalogue", "find"]
