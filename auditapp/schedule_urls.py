"""Addresses of schedules, alerts and webhooks."""

from django.urls import path

from auditapp.views import alerts, schedules, webhooks

urlpatterns = [
    path("schedules/", schedules.schedule_list, name="schedules"),
    path("schedules/new/", schedules.schedule_new, name="schedule-new"),
    path("schedules/times/", schedules.schedule_times, name="schedule-times"),
    path("schedules/<uuid:schedule_id>/", schedules.schedule, name="schedule-detail"),
    path("schedules/<uuid:schedule_id>/edit/", schedules.schedule_edit, name="schedule-edit"),
    path("schedules/<uuid:schedule_id>/pause/", schedules.schedule_pause, name="schedule-pause"),
    path(
        "schedules/<uuid:schedule_id>/resume/", schedules.schedule_resume, name="schedule-resume"
    ),
    path("schedules/<uuid:schedule_id>/run/", schedules.schedule_run_now, name="schedule-run-now"),
    path(
        "schedules/<uuid:schedule_id>/delete/", schedules.schedule_delete, name="schedule-delete"
    ),
    path("alerts/", alerts.alert_list, name="alerts"),
    path("alerts/<uuid:alert_id>/seen/", alerts.alert_seen, name="alert-seen"),
    path("alerts/<uuid:alert_id>/accept/", alerts.alert_accept, name="alert-accept"),
    path("webhooks/", webhooks.webhook_list, name="webhooks"),
    path("webhooks/<uuid:webhook_id>/switch/", webhooks.webhook_switch, name="webhook-switch"),
    path("webhooks/<uuid:webhook_id>/delete/", webhooks.webhook_delete, name="webhook-delete"),
]
