"""A bare number in a template stays as programs read it: it may be a width or a coordinate.

Numbers for people pass through the filters of `templatetags/ui.py`, which know the language.
"""

DECIMAL_SEPARATOR = "."
THOUSAND_SEPARATOR = ""
NUMBER_GROUPING = 0
