# syntax=docker/dockerfile:1
# Two stages: wheels are built and installed in the first, and only the result is taken along.
FROM python:3.13-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /build
COPY requirements/production.txt requirements/production.txt
RUN python -m venv /opt/venv && /opt/venv/bin/pip install -r requirements/production.txt

FROM python:3.13-slim-bookworm
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    OMP_NUM_THREADS=1 \
    DJANGO_SETTINGS_MODULE=skinsite.settings.production \
    SKINSITE_VAR=/var/lib/skinsite
RUN useradd --system --uid 10001 --home-dir /var/lib/skinsite --create-home skinsite
WORKDIR /srv/skinsite
COPY --from=build /opt/venv /opt/venv
COPY manage.py gunicorn.conf.py ./
COPY skinsite skinsite
COPY classifier classifier
COPY ml ml
COPY templates templates
COPY static static
COPY locale locale
# Hashing and compressing the static files needs settings: a key that nobody keeps, and no other secret. Whatever the
# modes of the checkout are, the account of the service reads what it runs.
ENV STATIC_ROOT=/srv/static
RUN SECRET_KEY="$(python -c 'import secrets; print(secrets.token_urlsafe(64))')" \
    ALLOWED_HOSTS=localhost DATABASE_URL=sqlite:////tmp/none \
    python manage.py collectstatic --noinput && chmod -R a+rX /srv
USER 10001
VOLUME /var/lib/skinsite
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health/live/', timeout=4)"]
CMD ["gunicorn", "skinsite.wsgi:application", "--bind", "0.0.0.0:8000", "--workers", "2", "--timeout", "60", "--access-logfile", "-"]
