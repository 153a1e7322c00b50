"""Push's URLs. Browsers keep old service workers, so the machine paths stay as they are."""

from django.urls import path

from push.views import (
    devices,
    manage,
    manual,
    notifications,
    permission,
    preferences,
    receipts,
    service_worker,
    subscription,
    testing,
)

app_name = "push"

urlpatterns = [
    path("Account/Manage", manage.manage, name="manage"),
    path("Notifications", notifications.listing, name="notifications"),
    path("Notifications/latest", notifications.latest, name="notifications_latest"),
    path("Notifications/reading", notifications.reading, name="reading"),
    path("Notifications/<slug:public_id>", notifications.notification, name="notification"),
    path("Notifications/<slug:public_id>/reading", notifications.reading_of, name="reading_of"),
    path("docs/manual/<slug:slug>", manual.page, name="manual"),
    path("service-worker.js", service_worker.service_worker, name="service_worker"),
    path("manifest.webmanifest", service_worker.manifest, name="manifest"),
    path("push/preferences", preferences.save, name="preferences"),
    path("push/subscription", subscription.subscription, name="subscription"),
    path("push/subscription/change", subscription.change, name="subscription_change"),
    path("push/master", permission.master, name="master"),
    path("push/permission", permission.permission, name="permission"),
    path("push/banner/dismissal", permission.banner_dismissal, name="banner_dismissal"),
    path("push/test", testing.test, name="test"),
    path("push/test/<slug:key>", testing.outcome, name="test_outcome"),
    path("push/devices", devices.listing, name="devices"),
    path("push/devices/<slug:public_id>/test", devices.device_test, name="device_test"),
    path("push/receipts", receipts.receipts, name="receipts"),
]
