"""Measure decisions: count tables, rates, scores, intervals and verdicts by group.

Needs numpy and scipy only. `metrics.audit.measure` does everything a report needs in one call;
the modules below it work on plain arrays of counts.
"""
