"""Step 1 of a new audit: a table, perhaps a model, and how the table is read."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from auditapp.datasets.options import DEFAULT_MARKS, IMAGE_SIZE, LARGEST_IMAGE, SMALLEST_IMAGE
from auditapp.models import Dataset, ModelFile

TABLES = ".csv,.tsv,.txt,.dat,.data,.parquet,.pq,.gz,.zip"
MODELS = ".onnx,.skops,.safetensors,.zip"

DELIMITERS = [
    ("", gettext_lazy("Detect")),
    (",", gettext_lazy("Comma")),
    (";", gettext_lazy("Semicolon")),
    ("\t", gettext_lazy("Tab")),
    ("|", gettext_lazy("Vertical bar")),
]
ENCODINGS = [
    ("", gettext_lazy("Detect")),
    ("utf-8", "UTF-8"),
    ("utf-16", "UTF-16"),
    ("utf-32", "UTF-32"),
    ("cp1252", gettext_lazy("Windows Western (cp1252)")),
    ("latin-1", "Latin-1"),
]
HEADERS = [
    ("", gettext_lazy("Detect")),
    ("yes", gettext_lazy("The first row holds the column names")),
    ("no", gettext_lazy("There is no header; columns get numbers")),
]
QUOTES = [
    ("", gettext_lazy("Quotes hold text that may contain the separator")),
    ("no", gettext_lazy("No quotes; a quote is a plain character")),
]
BLANK = "(blank)"


class ManyFiles(forms.FileInput):
    """A box for several files; the field checks one of them, `DataForm.tables` has all."""

    allow_multiple_selected = True

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        """One file, as a plain file field takes it."""
        return files.get(name)


class DataForm(forms.Form):
    """A new table or one that is here already; the same for the model, which is optional."""

    table = forms.FileField(
        label=gettext_lazy("Table"),
        required=False,
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": TABLES, "aria-describedby": "table-hint"}),
    )
    dataset = forms.ChoiceField(label=gettext_lazy("A table that is here already"), required=False)
    model_file = forms.FileField(
        label=gettext_lazy("Model"),
        required=False,
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"aria-describedby": "model-hint"}),
    )
    model = forms.ChoiceField(label=gettext_lazy("A model that is here already"), required=False)

    def __init__(
        self,
        *args: Any,
        datasets: list[Dataset],
        models: list[ModelFile],
        have_table: bool = False,
        several: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.known = {str(item.id): item for item in datasets}
        self.known_models = {str(item.id): item for item in models}
        self.have_table = have_table
        if several:
            first = self.fields["table"].widget.attrs
            self.fields["table"].widget = ManyFiles(attrs={**first, "multiple": True})
        self.fields["dataset"].choices = [("", "")] + [(key, key) for key in self.known]
        self.fields["model"].choices = [
            ("", _("None")),
            *((k, m.name) for k, m in self.model_items),
        ]
        self.fields["model"].widget.attrs["class"] = "input"

    @property
    def limit(self) -> str:
        """The largest file this installation takes."""
        size = settings.UPLOAD_LIMIT_BYTES
        return f"{size / 1024**3:.3g} GB" if size >= 1024**3 else f"{size / 1024**2:.3g} MB"

    @property
    def tables(self) -> list[Any]:
        """The files that were sent as the table: several make one data set."""
        return list(self.files.getlist("table")) if self.files else []

    @property
    def model_items(self) -> list[tuple[str, ModelFile]]:
        """Models to choose from."""
        return list(self.known_models.items())

    def clean(self) -> dict[str, Any]:
        """One table, from either side."""
        data: dict[str, Any] = super().clean() or {}
        if not data.get("table") and not data.get("dataset") and not self.have_table:
            self.add_error("table", _("Choose a file, or a table that is here already"))
        data["dataset"] = self.known.get(data.get("dataset", ""))
        data["model"] = self.known_models.get(data.get("model", ""))
        return data


class ReadForm(forms.Form):
    """How the rows of a delimited file are to be understood."""

    delimiter = forms.ChoiceField(
        label=gettext_lazy("Columns are separated by"), choices=DELIMITERS
    )
    encoding = forms.ChoiceField(label=gettext_lazy("Encoding"), choices=ENCODINGS)
    header = forms.ChoiceField(label=gettext_lazy("Header"), choices=HEADERS)
    quote = forms.ChoiceField(label=gettext_lazy("Quotes"), choices=QUOTES)
    missing = forms.CharField(
        label=gettext_lazy("Marks for a missing value"),
        required=False,
        strip=False,
        help_text=f"Separated by commas. {BLANK} is an empty cell.",
    )
    image_size = forms.IntegerField(
        label=gettext_lazy("Pixels a side of the pictures"),
        required=False,
        min_value=SMALLEST_IMAGE,
        max_value=LARGEST_IMAGE,
        help_text=f"{SMALLEST_IMAGE} to {LARGEST_IMAGE}. Larger pictures take longer to learn "
        "from; a network reads its own size.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("delimiter", "encoding", "header", "quote"):
            self.fields[name].required = False

    @classmethod
    def initial_of(cls, options: dict[str, Any]) -> dict[str, str]:
        """Values of the form for stored options."""
        header = options.get("header")
        marks = options.get("missing")
        return {
            "delimiter": options.get("delimiter") or "",
            "encoding": options.get("encoding") or "",
            "header": "" if header is None else "yes" if header else "no",
            "quote": "no" if options.get("quote") == "" else "",
            "image_size": str(options.get("image_size") or IMAGE_SIZE),
            "missing": ", ".join(
                mark if mark else BLANK for mark in (DEFAULT_MARKS if marks is None else marks)
            ),
        }

    def options(self) -> dict[str, Any]:
        """JSON of datasets.options.ReadOptions; None means detect."""
        data = self.cleaned_data
        size = data["image_size"]
        marks = [mark.strip() for mark in data["missing"].split(",") if mark.strip()]
        return {
            "delimiter": data["delimiter"] or None,
            "encoding": data["encoding"] or None,
            "header": {"": None, "yes": True, "no": False}[data["header"]],
            "quote": "" if data["quote"] == "no" else None,
            "missing": ["" if mark == BLANK else mark for mark in marks],
            **({} if size is None else {"image_size": size}),
        }
