from django.urls import path

from payments import views

app_name = "payments"
urlpatterns = [
    path("Money/Transactions", views.transactions, name="transactions"),
    path("Money/Transactions/<str:public_id>", views.transaction, name="transaction"),
    path("Money/Thanks/<str:public_id>", views.thanks, name="thanks"),
    path("webhooks/stripe", views.stripe_webhook, name="stripe_webhook"),
]
