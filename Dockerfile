FROM python:3.11-slim-bookworm

RUN apt-get update \
 && apt-get install -y --no-install-recommends libseccomp2 \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --create-home --uid 10001 evenhand

WORKDIR /app
COPY requirements.txt ./
# TORCH_FIND_LINKS may name an index page of CPU builds; see docs/install.md.
ARG TORCH_FIND_LINKS=""
RUN PIP_FIND_LINKS="$TORCH_FIND_LINKS" pip install --no-cache-dir "$(grep '^torch==' requirements.txt)" \
 && pip install --no-cache-dir -r requirements.txt

COPY . .
ENV DATA_DIR=/data PYTHONUNBUFFERED=1
RUN mkdir -m 700 /data && chown evenhand /data \
 && DATA_DIR=/tmp/build SECRET_KEY=only-for-collectstatic python manage.py collectstatic --noinput
USER evenhand
VOLUME /data
EXPOSE 8000
CMD ["granian", "--interface", "wsgi", "--no-ws", "--workers", "1", "--blocking-threads", "16", \
     "--host", "0.0.0.0", "--port", "8000", "auditapp.wsgi:application"]
