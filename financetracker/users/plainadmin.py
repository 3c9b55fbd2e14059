"""What every page of the admin has in common. Registers nothing, so that the site itself may import it."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from django.contrib.admin.decorators import display
from django.contrib.admin.options import ModelAdmin
from django.contrib.admin.widgets import AdminTextareaWidget
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern

from financetracker.writing.days import show_day, show_moment
from financetracker.writing.fields import DayField


class PlainAdmin(ModelAdmin):  # type: ignore[type-arg]
    """A ModelAdmin without the doors that show or accept more than its own list.

    History is Revision, so the stock log is not written. A row that is not in `get_queryset` is a 404, whether it
    is somebody else's or nobody's. No lookups in the address, no prefilled forms, no bulk actions.
    """

    view_on_site = False
    show_full_result_count = False
    # An empty list of actions on top keeps the stock list page from printing an inline style.
    actions = None
    actions_on_top = True
    list_per_page = 50
    list_max_show_all = 0
    formfield_overrides: ClassVar = {
        models.DateField: {"form_class": DayField, "widget": DayField.widget},
        models.TextField: {"widget": AdminTextareaWidget(attrs={"rows": 4}), "max_length": 100_000},
    }
    # How a column of this type is shown where it is only looked at: the value and its row in, text out.
    shown: ClassVar[Mapping[type, Callable[[Any, Any], str]]] = {
        models.DateField: lambda day, _row: show_day(day),
        models.DateTimeField: lambda moment, _row: show_moment(moment),
    }

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """Return the row, or 404: a redirect with a message would tell a missing id from a wrong one."""
        found = super().get_object(request, object_id, from_field)
        if found is None:
            raise Http404
        return found

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        """Refuse every lookup in the address; stock Django answers some of them with 500."""
        return False

    def to_field_allowed(self, request: HttpRequest, to_field: str) -> bool:
        return False

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {}

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Leave the pencil, the plus and the eye away that stock Django puts beside a foreign key."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None and hasattr(field.widget, "can_add_related"):
            field.widget = field.widget.widget
        return field

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Show what is only looked at in the person's locale; stock Django writes it as its language does.

        Labels carry no colon, as on the pages of our own, and saving leads back to the list.
        """
        form = context["adminform"]
        form.form.label_suffix = ""
        context["show_save_and_continue"] = False
        known = {name: self._as_shown(name) for name in form.readonly_fields}
        form.readonly_fields = list(known.values())
        form.fieldsets = [
            (title, {**options, "fields": [known.get(name, name) for name in options["fields"]]})
            for title, options in form.fieldsets
        ]
        return super().render_change_form(request, context, *args, **kwargs)

    def _as_shown(self, name: str) -> "str | Callable[[Any], str]":
        """Return what stock Django may show instead of a column, or its name where stock Django shows it well."""
        field = next((field for field in self.opts.fields if field.name == name), None)
        write = self.shown.get(type(field)) if field is not None else None
        if field is None or write is None:
            return name

        @display(description=field.verbose_name)
        def shown(row: Any) -> str:
            value = getattr(row, name)
            return str(self.get_empty_value_display()) if value is None else write(value, row)

        shown.__name__ = name
        return shown

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        return None

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        return None

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        return None

    def get_urls(self) -> list[URLPattern]:
        """Leave out the history of the stock log; the site adds ours."""
        return [route for route in super().get_urls() if not str(route.name).endswith("_history")]
