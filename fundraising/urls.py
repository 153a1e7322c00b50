from django.urls import path

from fundraising.views import owner, public

app_name = "fundraising"
urlpatterns = [
    path("Money/Campaigns", owner.campaigns, name="campaigns"),
    path("Money/Campaigns/New", owner.new, name="new"),
    path("Money/Campaigns/<str:code>", owner.campaign, name="campaign"),
    path("Money/Campaigns/<str:code>/Edit", owner.edit, name="edit"),
    path("Money/Campaigns/<str:code>/<str:public_id>/Payment", owner.payment, name="payment"),
    path("c/<str:code>", public.page, name="page"),
    path("c/<str:code>/thanks/<str:public_id>", public.thanks, name="thanks"),
]
