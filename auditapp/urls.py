"""Addresses. Changes are POST only; ids are UUIDs."""

from allauth.account import views as allauth_views
from django.urls import include, path, re_path
from django.views.generic import RedirectView

from auditapp.api.app import api, openapi, unknown
from auditapp.views import (
    account,
    annexes,
    api_docs,
    audits,
    branding,
    census,
    drafts,
    finals,
    home,
    joins,
    members,
    pages,
    policy,
    remedies,
    reports,
    roles,
    rules,
    shared,
    shares,
    tokens,
    trail,
    uploads,
    verify,
)

urlpatterns = [
    path("", home.home, name="home"),
    path("sign-in/", account.signin, name="signin"),
    path("sign-in/link/<str:token>/", account.signin_link, name="signin-link"),
    path("sign-out/", account.signout, name="signout"),
    path("account/", account.account, name="account"),
    path("account/tokens/", tokens.tokens, name="tokens"),
    path("account/tokens/<uuid:token_id>/revoke/", tokens.token_revoke, name="token-revoke"),
    path("account/sessions/end/", account.sessions_end, name="sessions-end"),
    path("account/second-step/", include("allauth.mfa.urls")),
    path("account/again/", allauth_views.reauthenticate, name="account_reauthenticate"),
    path("password/reset/", account.password_reset, name="account_reset_password"),
    path(
        "password/reset/sent/",
        allauth_views.password_reset_done,
        name="account_reset_password_done",
    ),
    re_path(
        r"^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        allauth_views.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
    path(
        "password/reset/done/",
        allauth_views.password_reset_from_key_done,
        name="account_reset_password_from_key_done",
    ),
    path("workspace/", account.workspace_switch, name="workspace-switch"),
    path("workspace/settings/", branding.workspace_settings, name="workspace-settings"),
    path("members/", members.members, name="members"),
    path("members/<uuid:member_id>/role/", members.member_role, name="member-role"),
    path("members/<uuid:member_id>/remove/", members.member_remove, name="member-remove"),
    path("members/invite/", members.invite, name="member-invite"),
    path(
        "members/invitations/<uuid:invitation_id>/withdraw/",
        members.invitation_withdraw,
        name="invitation-withdraw",
    ),
    path("invitation/<str:token>/", members.invitation, name="invitation"),
    path("trail/", trail.trail, name="trail"),
    path("trail.csv", trail.trail_csv, name="trail-csv"),
    path("", include("auditapp.schedule_urls")),
    path("", include("auditapp.comparison_urls")),
    path("theme/", account.theme, name="theme"),
    path("language/", account.language, name="language"),
    path("audits/new/", drafts.audit_new, name="audit-new"),
    path("audits/<uuid:audit_id>/", audits.audit, name="audit"),
    path("audits/<uuid:audit_id>/data/", drafts.audit_data, name="audit-data"),
    path("audits/<uuid:audit_id>/data/now/", drafts.audit_data_state, name="audit-data-state"),
    path(
        "audits/<uuid:audit_id>/data/reading/",
        drafts.audit_data_reading,
        name="audit-data-reading",
    ),
    path("audits/<uuid:audit_id>/roles/", roles.audit_roles, name="audit-roles"),
    path("audits/<uuid:audit_id>/policy/", policy.audit_policy, name="audit-policy"),
    path("audits/<uuid:audit_id>/remedies/", remedies.audit_remedies, name="audit-remedies"),
    path("audits/<uuid:audit_id>/progress/", audits.audit_progress, name="audit-progress"),
    path(
        "audits/<uuid:audit_id>/progress/now/",
        audits.audit_progress_fragment,
        name="audit-progress-fragment",
    ),
    path("audits/<uuid:audit_id>/cancel/", audits.audit_cancel, name="audit-cancel"),
    path("audits/<uuid:audit_id>/again/", audits.audit_again, name="audit-again"),
    path("audits/<uuid:audit_id>/delete/", audits.audit_delete, name="audit-delete"),
    path("audits/<uuid:audit_id>/report/", reports.report, name="report"),
    path("audits/<uuid:audit_id>/rules/", rules.report_rules, name="report-rules"),
    path(
        "audits/<uuid:audit_id>/rules/<str:name>",
        rules.report_rule,
        name="report-rule",
    ),
    path(
        "audits/<uuid:audit_id>/report.pdf",
        reports.report_file,
        {"kind": "pdf"},
        name="report-pdf",
    ),
    path(
        "audits/<uuid:audit_id>/report.json",
        reports.report_file,
        {"kind": "json"},
        name="report-json",
    ),
    path(
        "audits/<uuid:audit_id>/report.csv",
        reports.report_file,
        {"kind": "csv"},
        name="report-csv",
    ),
    path(
        "audits/<uuid:audit_id>/annexes/<slug:annex>.csv",
        annexes.annex_csv,
        name="annex-csv",
    ),
    path("audits/<uuid:audit_id>/final/", finals.report_final, name="report-final"),
    path(
        "audits/<uuid:audit_id>/report.sig.json", finals.report_signature, name="report-signature"
    ),
    path("audits/<uuid:audit_id>/sharing/", shares.report_shares, name="report-shares"),
    path("audits/<uuid:audit_id>/copies/", shares.report_copy, name="report-copy"),
    path("audits/<uuid:audit_id>/copies/now/", shares.report_copies, name="report-copies"),
    *(
        path(
            f"audits/<uuid:audit_id>/copies/<int:smallest>/report.{kind}",
            shares.copy_file,
            {"kind": kind},
            name=f"copy-{kind}",
        )
        for kind in ("pdf", "json", "csv")
    ),
    path("sharing/<uuid:share_id>/revoke/", shares.share_revoke, name="share-revoke"),
    path("shared/<str:token>/", shared.shared, name="shared"),
    *(
        path(
            f"shared/<str:token>/report.{kind}",
            shared.shared_file,
            {"kind": kind},
            name=f"shared-{kind}",
        )
        for kind in ("pdf", "json", "csv")
    ),
    path("data/", uploads.data_list, name="data-list"),
    path("data/<uuid:dataset_id>/", uploads.dataset_detail, name="dataset-detail"),
    path("data/<uuid:dataset_id>/reading/", uploads.dataset_reading, name="dataset-reading"),
    path("data/<uuid:dataset_id>/join/", joins.dataset_join, name="dataset-join"),
    path(
        "data/<uuid:dataset_id>/join/<uuid:other_id>/",
        joins.dataset_join_columns,
        name="dataset-join-columns",
    ),
    path("data/census/", census.census_load, name="census-load"),
    path("data/census/host/", census.census_host, name="census-host"),
    path("data/<uuid:dataset_id>/task/", census.dataset_task, name="dataset-task"),
    path("data/<uuid:dataset_id>/again/", census.dataset_again, name="dataset-again"),
    path("data/<uuid:dataset_id>/delete/", uploads.dataset_delete, name="dataset-delete"),
    path("models/<uuid:model_id>/", uploads.model_detail, name="model-detail"),
    path("models/<uuid:model_id>/delete/", uploads.model_delete, name="model-delete"),
    path("verify/", verify.verify_page, name="verify"),
    path("verify/key.pem", verify.verify_key, name="verify-key"),
    path("api/docs/", api_docs.api_docs, name="api-docs"),
    path("api/v1/openapi.json", openapi, name="api-openapi"),
    path("api/v1/", api.urls),
    re_path(r"^api/", unknown),
    path("docs/", pages.docs, name="docs"),
    path("docs/<path:slug>/", pages.doc_page, name="doc-page"),
    path("status/", pages.status, name="status"),
    path("healthz", pages.healthz, name="healthz"),
    # names that the sign-in library resolves by itself
    path("account/sign-in/", RedirectView.as_view(pattern_name="signin"), name="account_login"),
    path(
        "account/password/",
        RedirectView.as_view(pattern_name="account"),
        name="account_change_password",
    ),
]

handler403 = pages.forbidden
handler404 = pages.not_found
handler429 = pages.too_many
handler500 = pages.server_error
