"""Makes ours the default admin site. A module of its own: two AppConfigs in one need a default of their own."""

from django.contrib.admin.apps import AdminConfig


class OwnAdminConfig(AdminConfig):
    default_site = "financetracker.site.adminsite.BookSite"
