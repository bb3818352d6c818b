"""Step 2 of a new audit: model and roles."""

from __future__ import annotations

from itertools import combinations
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from auditapp import selectors
from auditapp.datasets.sizes import cross_sizes
from auditapp.forms.errors import anchor, error_list, mark_invalid
from auditapp.forms.kinds import ALL_ROLES, KINDS, ROLES
from auditapp.forms.roles import RolesForm
from auditapp.forms.weights import card as weight_card
from auditapp.models import Audit, State
from auditapp.services import audits
from auditapp.views import role_cards
from auditapp.views.access import enter
from auditapp.views.bars import MOST_COLUMNS, cross_bars, log_bars
from auditapp.views.steps import reached, steps_of

MANY = 40
#: What a table seen for the first time suggests, whatever an earlier table had.
REPLACED = (
    *("roles", "label", "decision", "score", "attributes", "model"),
    *("site", "gold", "references", "weights", "sensitive_features"),
)
#: Answers that name columns of one table.
FORGOTTEN: dict[str, Any] = {
    "roles": {},
    "attributes": [],
    "classes": [],
    "immutable": [],
    **dict.fromkeys(("label", "decision", "score", "query", "site", "control", "gold")),
    **dict.fromkeys(("references", "target", "protect", "source", "weights")),
}
Json = dict[str, Any]


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def audit_roles(request: HttpRequest, audit_id: UUID) -> HttpResponse:
    """Roles of the columns, their details, and where decisions come from."""
    audit = selectors.audit_get(user=request.user, id=audit_id, edit=True)
    if audit.state != State.DRAFT:
        return redirect("audit", audit.id)
    if reached(audit) < 2 or audit.dataset is None:
        return redirect("audit-data", audit.id)
    enter(request, audit.workspace)
    if request.method == "POST":
        action, _sep, notice = request.POST.get("action", "continue").partition(" ")
        if action == "undo":
            _clear(request, audit)
            return redirect("audit-roles", audit.id)
        form = _form(request, audit, request.POST)
        if action == "confirm":
            _confirm(request, audit, notice)
        if action in {"confirm", "refresh"}:
            return _page(request, audit, form, fresh=True)
        if form.is_valid() and not form.unseen_choices():
            audits.draft_save(
                audit=audit,
                step="roles",
                data=form.draft_data(),
                user=request.user,
                model=form.chosen_model() or audit.model,
            )
            return redirect("audit-roles" if action == "save" else "audit-policy", audit.id)
        return _page(request, audit, form)
    return _page(request, audit, _form(request, audit, None))


def _draft(audit: Audit) -> Json:
    """What is stored; for a table seen the first time what its columns suggest."""
    if audit.draft.get("roles") or audit.draft.get("cleared"):
        return dict(audit.draft)
    guessed = audits.guessed(audit.dataset)
    if guessed.get("unit"):
        guessed["roles"][guessed["unit"]] = "unit"
    if audit.model is not None:
        guessed["model"] = {"kind": "upload"}
    return {**audit.draft, **{key: guessed[key] for key in REPLACED if key in guessed}}


def _form(request: HttpRequest, audit: Audit, data: Any) -> RolesForm:
    models = selectors.models_for(user=request.user, workspace=audit.workspace, ready=True)
    return RolesForm(
        data,
        profile=audit.dataset.profile,
        draft=_draft(audit),
        models=list(models.defer("profile")),
        model=audit.model,
    )


def _clear(request: HttpRequest, audit: Audit) -> None:
    """Take back what was filled in."""
    data = {**FORGOTTEN, "cleared": True}
    audits.draft_save(audit=audit, step="data", data=data, user=request.user)


def _confirm(request: HttpRequest, audit: Audit, notice: str) -> None:
    """Remember that what was assumed is right."""
    confirmed = sorted({*audit.draft.get("confirmed", []), notice[:120]})
    audits.draft_save(audit=audit, step="data", data={"confirmed": confirmed}, user=request.user)


def _page(
    request: HttpRequest, audit: Audit, form: RolesForm, *, fresh: bool = False
) -> HttpResponse:
    errors = []
    if form.is_bound and not fresh:
        form.is_valid()
        mark_invalid(form)
        errors = error_list(form) + [
            (anchor(form[name]), words) for name, words in form.unseen_choices()
        ]
    rows = _rows(form)
    cross = _cross(form, audit)
    context = {
        "audit": audit,
        "form": form,
        "errors": errors,
        "quiet": fresh,
        "rows": rows,
        "many": len(rows) > MANY,
        "families": list(dict.fromkeys(form.family_places.values())),
        "kinds": KINDS,
        "role_words": {kind: dict(roles) for kind, roles in ROLES.items()},
        "all_roles": ALL_ROLES,
        "notices": _notices(audit, form),
        "outcomes": role_cards.outcomes(form),
        "classes": role_cards.classes(form),
        "given": role_cards.given(form),
        "idle": role_cards.deciding(form),
        "score": role_cards.score(form),
        "weight": weight_card(form),
        "lists": role_cards.lists(form),
        "sites": [
            {**_attribute(form, place, audit), "role": role, "also": form[f"feature-{place}"]}
            for role in ("site", "control")
            for place in form.once(role)
        ],
        "attributes": [_attribute(form, place, audit) for place in form.places("sensitive")],
        "cross": cross,
        "crossed": cross["places"] if cross is not None else [],
        "floor": _floor(audit),
        "steps": steps_of(audit, 2),
    }
    fragment = fresh and getattr(request, "htmx", False)
    template = "pages/audit_roles_details.html" if fragment else "pages/audit_roles.html"
    return render(request, template, context, status=422 if errors else 200)


def _rows(form: RolesForm) -> list[Json]:
    found = []
    for i, column in enumerate(form.columns):
        if i in form.family_places:
            continue
        found.append(
            {
                "place": i,
                "column": column,
                "role": form.roles[i],
                "choices": [
                    (slug, form.offered.get(slug, words))
                    for slug, words in ALL_ROLES.items()
                    if slug in form.offered or slug == form.roles[i]
                ],
                "id": f"id_role-{i}",
                "errors": form.errors.get(f"role-{i}", []) if form.is_bound else [],
                "check": any(n.get("column") == column["name"] for n in form.checks()),
            }
        )
    return found


def _notices(audit: Audit, form: RolesForm) -> list[Json]:
    confirmed = set(audit.draft.get("confirmed", []))
    places = {column["name"]: i for i, column in enumerate(form.columns)}
    found = []
    for notice in form.profile.get("notices") or []:
        if notice["code"] == "joined":
            continue  # its counts were shown where the tables were joined
        key = f"{notice['code']}:{notice.get('column') or ''}"
        joined = notice["code"].startswith("join")
        place = None if joined else places.get(notice.get("column"))
        found.append(
            {
                **notice,
                "key": key,
                "answered": key in confirmed,
                "place": place,
                "sensitive": place is not None and form.roles[place] == "sensitive",
            }
        )
    return found


def _floor(audit: Audit) -> int:
    floor: int = (audit.draft.get("policy") or {}).get("floor", 30)
    return floor


def _cross(form: RolesForm, audit: Audit) -> Json | None:
    """The first two sensitive columns whose groups were counted together and fit the card."""
    floor = _floor(audit)
    joint = form.profile.get("joint") or []
    counted = {name for pair in joint for name in pair["columns"]}
    # Pairs of thousands of columns would keep the server busy for hours.
    places = [i for i in form.places("sensitive") if form.column(i)["name"] in counted]
    for one, other in combinations(places, 2):
        cells = cross_sizes(form.profile, form.spec_now(one), form.spec_now(other))
        if cells is None:
            continue
        groups = [form.groups(one), form.groups(other)]
        wide = [1 < len(found) <= MOST_COLUMNS for found in groups]
        if not any(wide):
            continue
        places = [one, other]
        if not wide[1]:
            places, groups = [other, one], groups[::-1]
            cells = {(b, a): n for (a, b), n in cells.items()}
        titles = [form[f"title-{place}"].value() for place in places]
        bars = cross_bars(groups[0], groups[1], cells, floor)
        return {**bars, "places": places, "titles": titles}
    return None


def _attribute(form: RolesForm, place: int, audit: Audit) -> Json:
    groups = form.groups(place)
    fields = [f"{name}-{place}" for name in ("title", "cuts", "words")]
    return {
        "place": place,
        "column": form.column(place),
        "title": form[f"title-{place}"].value() or form.column(place)["name"],
        "fields": {name.partition("-")[0]: form[name] for name in fields if name in form.fields},
        "groups": log_bars(groups, _floor(audit)),
    }
