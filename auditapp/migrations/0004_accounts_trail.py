"""Invitations, ended sessions, and the chain of hashes over each workspace's trail."""

from __future__ import annotations

import uuid
from typing import Any

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

from auditapp import chain


def chain_rows(apps: Any, _schema: Any) -> None:
    """Chain the rows that are there, oldest first."""
    event_model = apps.get_model("auditapp", "Event")
    workspace_model = apps.get_model("auditapp", "Workspace")
    for workspace in workspace_model.objects.only("id").iterator():
        previous, number = chain.START, 0
        found = event_model.objects.filter(workspace_id=workspace.id).select_related("user")
        for event in list(found.order_by("at", "id")):
            number += 1
            event.sequence = number
            event.actor = "" if event.user is None else event.user.email
            event.previous_hash = previous
            facts = {name: getattr(event, name) for name in chain.FIELDS}
            event.hash = previous = chain.digest(previous, facts)
            event.save(update_fields=["sequence", "actor", "previous_hash", "hash"])
        if number:
            workspace_model.objects.filter(id=workspace.id).update(
                trail_length=number, trail_head=previous
            )


class Migration(migrations.Migration):
    dependencies = [
        ("auditapp", "0003_dataset_progress"),
    ]

    operations = [
        migrations.AddField(
            model_name="user",
            name="sessions_ended",
            field=models.PositiveIntegerField(
                default=0,
                help_text="How often every session was ended; part of what a session is tied to",
            ),
        ),
        migrations.AddField(
            model_name="workspace",
            name="trail_head",
            field=models.CharField(
                blank=True, default="", help_text="Hash of the newest event", max_length=64
            ),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="workspace",
            name="trail_length",
            field=models.PositiveBigIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="event",
            name="actor",
            field=models.CharField(
                blank=True, default="", help_text="Email of who did it", max_length=254
            ),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="event",
            name="hash",
            field=models.CharField(default="", max_length=64),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="event",
            name="previous_hash",
            field=models.CharField(default="", max_length=64),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="event",
            name="sequence",
            field=models.PositiveBigIntegerField(default=0),
            preserve_default=False,
        ),
        migrations.AlterField(
            model_name="event",
            name="at",
            field=models.DateTimeField(default=django.utils.timezone.now),
        ),
        migrations.AlterModelOptions(name="event", options={"ordering": ["-sequence"]}),
        migrations.RunPython(chain_rows, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name="event",
            constraint=models.UniqueConstraint(
                fields=("workspace", "sequence"), name="event_in_order"
            ),
        ),
        migrations.CreateModel(
            name="Invitation",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("email", models.EmailField(max_length=254)),
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("owner", "Owner"),
                            ("auditor", "Auditor"),
                            ("viewer", "Viewer"),
                        ],
                        default="auditor",
                        max_length=10,
                    ),
                ),
                ("token_hash", models.CharField(max_length=64, unique=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("expires", models.DateTimeField()),
                ("used_at", models.DateTimeField(blank=True, null=True)),
                (
                    "invited_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "workspace",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="invitations",
                        to="auditapp.workspace",
                    ),
                ),
            ],
            options={
                "ordering": ["-created_at"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("role__in", ["owner", "auditor", "viewer"])),
                        name="invitation_role",
                    )
                ],
            },
        ),
    ]
