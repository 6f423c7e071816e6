# CalSync's one image: web, worker, scheduler and migrations are different commands of it.
# Each RUN is a script of ours that the tests run too.

FROM python:3.11-slim AS packages
WORKDIR /build
COPY requirements.txt ./
COPY scripts/install-python scripts/uv.txt scripts/
# pip, not uv: what installs does not stay in the image.
ENV INSTALLER=pip
RUN scripts/install-python /opt/venv requirements.txt

FROM packages AS assets
COPY package.json package-lock.json .npmrc ./
COPY scripts/npm scripts/node.txt scripts/install-node scripts/vendor-htmx scripts/compile-catalogues scripts/
COPY app/ app/
RUN scripts/compile-catalogues /opt/venv
# An npm comes into this stage's virtual environment; the image takes the one of the stage before.
RUN scripts/install-node /opt/venv
RUN scripts/vendor-htmx

FROM python:3.11-slim
ENV PATH=/opt/venv/bin:$PATH \
    FLASK_APP=wsgi.py \
    INSTANCE_PATH=/tmp/instance \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
WORKDIR /srv/calsync
COPY --from=packages /opt/venv /opt/venv
COPY wsgi.py gunicorn.conf.py ./
COPY migrations/ migrations/
COPY scripts/healthcheck.py scripts/
COPY --from=assets /build/app app/
# A number, so that an orchestrator can see that it is not root. Nothing here is writable to it:
# run the image read-only, with /tmp in memory.
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s CMD ["python", "scripts/healthcheck.py"]
# The heartbeat file lives in memory; a slow disk would make gunicorn think that a worker hangs.
CMD ["gunicorn", "wsgi:app", "--bind", "0.0.0.0:8000", "--workers", "2", \
     "--worker-tmp-dir", "/dev/shm", "--graceful-timeout", "25"]
