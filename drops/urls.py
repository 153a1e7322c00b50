from django.urls import path

from drops import views

app_name = "drops"
urlpatterns = [
    path("Drops", views.drop_list, name="list"),
    path("Drops/<str:public_id>", views.drop, name="drop"),
    path("Drops/<str:public_id>/removal", views.removal, name="removal"),
]
