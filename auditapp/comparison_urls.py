"""Addresses of comparisons of two audits."""

from django.urls import path

from auditapp.views import comparisons as views

urlpatterns = [
    path("comparisons/", views.comparison_list, name="comparisons"),
    path("comparisons/new/", views.comparison_new, name="comparison-new"),
    path("comparisons/<uuid:comparison_id>/", views.comparison, name="comparison"),
    path("comparisons/<uuid:comparison_id>/now/", views.comparison_now, name="comparison-now"),
    path(
        "comparisons/<uuid:comparison_id>/again/", views.comparison_again, name="comparison-again"
    ),
    path(
        "comparisons/<uuid:comparison_id>/delete/",
        views.comparison_delete,
        name="comparison-delete",
    ),
    path(
        "comparisons/<uuid:comparison_id>/report.pdf",
        views.comparison_file,
        {"kind": "pdf"},
        name="comparison-pdf",
    ),
    path(
        "comparisons/<uuid:comparison_id>/report.json",
        views.comparison_file,
        {"kind": "json"},
        name="comparison-json",
    ),
    path(
        "comparisons/<uuid:comparison_id>/report.csv",
        views.comparison_file,
        {"kind": "csv"},
        name="comparison-csv",
    ),
]
