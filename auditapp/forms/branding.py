"""What reports of a workspace look like."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from auditapp.reports import brand
from auditapp.reports.language import LANGUAGES

LARGEST_UPLOAD = 2 * 1024**2


class BrandingForm(forms.Form):
    """Organisation, logo, colour and language of new reports."""

    organisation = forms.CharField(
        label=_("Organisation"),
        required=False,
        max_length=brand.LONGEST_NAME,
        help_text=_("Stands on the cover and in the running header of reports."),
    )
    logo = forms.FileField(
        label=_("Logo"),
        required=False,
        help_text=_(
            "PNG or JPEG, up to 2 MB. It is shown up to 640 x 200 pixels, on white and on dark "
            "grounds."
        ),
        widget=forms.FileInput(attrs={"accept": ".png,.jpg,.jpeg,image/png,image/jpeg"}),
    )
    remove_logo = forms.BooleanField(label=_("Remove the logo"), required=False)
    accent = forms.CharField(
        label=_("Accent colour"),
        required=False,
        max_length=7,
        help_text=_("Six digits after a #, such as #8A5E17. Empty for ours."),
        widget=forms.TextInput(attrs={"spellcheck": "false", "autocomplete": "off"}),
    )
    language = forms.ChoiceField(
        label=_("Language of new reports"),
        choices=list(LANGUAGES.items()),
        help_text=_("Reports that exist keep theirs."),
    )

    def clean_accent(self) -> str:
        """A colour that can be read on paper; else the nearest one is named."""
        colour: str = self.cleaned_data["accent"].strip()
        if not colour:
            return ""
        if not colour.startswith("#"):
            colour = f"#{colour}"
        if not brand.COLOUR.fullmatch(colour):
            raise forms.ValidationError(
                gettext("Write the colour as six digits after a #, such as #8A5E17")
            )
        if not brand.readable(colour):
            ratio = min(brand.contrast(colour, paper) for paper in brand.LIGHT)
            raise forms.ValidationError(
                gettext(
                    "%(colour)s has a contrast of %(ratio)s to 1 on paper, and 4.5 is needed; the "
                    "nearest that has it is %(nearest)s"
                )
                % {
                    "colour": colour.upper(),
                    "ratio": f"{ratio:.1f}",
                    "nearest": brand.nearest(colour),
                }
            )
        return colour.upper()

    def clean_logo(self) -> Any:
        """A file of a size that a logo has; what it holds is looked at in the child."""
        file = self.cleaned_data["logo"]
        if file and file.size > LARGEST_UPLOAD:
            raise forms.ValidationError(
                gettext("The file is larger than 2 MB; choose a smaller one")
            )
        return file
