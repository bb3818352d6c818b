"""What the scripts of a page say: handed to them with the page where it is not in English."""

from __future__ import annotations

from django.utils.translation import gettext, gettext_noop

WORDS = (
    gettext_noop("Copied."),
    gettext_noop("Selected. Copy it with your keyboard."),
    gettext_noop("{share}% done"),
    gettext_noop("{share}% sent"),
    gettext_noop("Sending, {sent} of {total}"),
    gettext_noop("Remove"),
    gettext_noop("Remove {name}"),
    gettext_noop("The server did not take the file ({status}). Nothing was kept."),
    gettext_noop("The connection was lost. Nothing was kept; send the file again."),
    gettext_noop("Upload cancelled. Nothing was kept."),
    gettext_noop("No remedy is ticked."),
    gettext_noop("Adds {time}"),
    gettext_noop("{n} remedy"),
    gettext_noop("{n} remedies"),
    gettext_noop("{n} training, "),
    gettext_noop("{n} trainings, "),
    gettext_noop("{remedies}: {trainings}{time} more."),
    gettext_noop("a few seconds"),
    gettext_noop("about {n} seconds"),
    gettext_noop("about a minute"),
    gettext_noop("about {n} minutes"),
    gettext_noop("about {n} hours"),
    gettext_noop("Now chosen: {name}"),
    gettext_noop("Roles and questions are now those of: {name}"),
    gettext_noop("{shown} of {all} columns shown"),
)


def script_words() -> dict[str, str]:
    """Each text with what it is in the language of this page."""
    return {text: gettext(text) for text in WORDS}
