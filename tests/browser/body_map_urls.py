"""The site's addresses, and a page on which the body map can be tried: a form, and thirty lesions."""

from django import forms
from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.urls import path

from classifier.anatomy.figure import site_at
from classifier.anatomy.sites import write_place
from classifier.presentation.body_map import Pin
from classifier.web.body_map import PlaceField
from skinsite.urls import handler400, handler403, handler404, handler500
from skinsite.urls import urlpatterns as site

__all__ = ["handler400", "handler403", "handler404", "handler500"]

PAGE = """{% extends "base.html" %}
{% load static %}
{% block title %}Body map{% endblock %}
{% block styles %}<link rel="stylesheet" href="{% static 'css/body_map.css' %}">{% endblock %}
{% block scripts %}<script src="{% static 'js/body_map.js' %}" type="module"></script>{% endblock %}
{% block content %}
  <h1>Body map</h1>
  {% if form %}
    <form method="post" class="panel stack narrow-start" novalidate>
      {% csrf_token %}
      {% include "classifier/includes/body_map/choose.html" with field=form.place %}
      <button class="button button-primary">Save</button>
      {% if saved %}<output>{{ saved }}</output>{% endif %}
    </form>
  {% else %}
    <div class="panel narrow-start">
      {% include "classifier/includes/body_map/show.html" with pins=pins map_id="map" %}
    </div>
    <ul class="panel">
      {% for pin in pins %}
        <li data-lesion-ref="{{ pin.key }}" id="{{ pin.key }}"><a href="#{{ pin.key }}">{{ pin.number }}</a></li>
      {% endfor %}
    </ul>
  {% endif %}
{% endblock %}"""

KINDS = (("low_risk", "Low risk"), ("suspicious", "Suspicious"), ("refer_uncertain", "Uncertain"))
CROWD = [(0.40 + 0.03 * (place % 6), 0.22 + 0.02 * (place // 6)) for place in range(30)]


class PlaceForm(forms.Form):
    """One place, chosen."""

    place = PlaceField(label="Where is it?")


def crowded_pins(count: int = 30) -> list[Pin]:
    """Lesions so near one another on a chest that all pins would overlap."""
    pins = []
    for place, (x, y) in enumerate(CROWD[:count]):
        found = site_at("front", x, y)
        kind, word = KINDS[place % len(KINDS)]
        where = write_place(*found) if found else ""
        pins.append(Pin(f"lesion-{place}", f"L{place + 1}", "front", x, y, kind, word, where, f"#lesion-{place}"))
    return pins


def choose(request: HttpRequest) -> HttpResponse:
    """A form with a place."""
    form = PlaceForm(request.POST or None)
    saved = repr(form.cleaned_data["place"]) if form.is_bound and form.is_valid() else ""
    return HttpResponse(engines["django"].from_string(PAGE).render({"form": form, "saved": saved}, request))


def show(request: HttpRequest) -> HttpResponse:
    """Thirty lesions."""
    return HttpResponse(engines["django"].from_string(PAGE).render({"pins": crowded_pins()}, request))


urlpatterns = [*site, path("body-map/", choose), path("body-map/shown/", show)]
