"""Runs graphite-web over a folder of whisper files, on a clock that stands.

argv[1] is a JSON file:
  {"dir": ..., "now": unix, "port": of 127.0.0.1, "cluster": [host:port], "series":
    [{"name", "method", "xff", "archives": [[step, points]], "points": [[time, value]]}]}
All but the first two may lack. It prints the port that it listens on, and runs until its standard
input ends. Below /-/decode/ it has a service of its own: a body in pickle or
msgpack goes in, the same as JSON comes out.
"""
import collections
import collections.abc
import datetime
import inspect
import json
import os
import pickle
import socketserver
import sys
import threading
import time
import wsgiref.simple_server

with open(sys.argv[1]) as config_file:
    config = json.load(config_file)
now = config["now"]

# Names that newer Pythons moved, and newer Django dropped.
for moved in ("Hashable", "Mapping", "MutableMapping", "Iterable", "Callable"):
    if not hasattr(collections, moved):
        setattr(collections, moved, getattr(collections.abc, moved))

if not hasattr(inspect, "getargspec"):
    inspect.getargspec = lambda f: inspect.getfullargspec(f)[:4]


def formatargspec(args, varargs=None, varkw=None, defaults=None):
    """A signature as text, as Python had it up to 3.10."""
    plain = len(args) - len(defaults or ())
    parts = args[:plain] + ["%s=%r" % d for d in zip(args[plain:], defaults or ())]
    parts += ["*" + varargs] if varargs else []
    parts += ["**" + varkw] if varkw else []
    return "(" + ", ".join(parts) + ")"


if not hasattr(inspect, "formatargspec"):
    inspect.formatargspec = formatargspec

time.time = lambda: float(now)


class Datetime(datetime.datetime):
    """datetime whose clock stands."""

    @classmethod
    def now(cls, tz=None):
        return datetime.datetime.fromtimestamp(now, tz)


def configure():
    storage = config["dir"]
    for sub in ("whisper", "log"):
        os.makedirs(os.path.join(storage, sub), exist_ok=True)
    with open(os.path.join(storage, "conformance_settings.py"), "w") as f:
        f.write("SECRET_KEY = 'loopback'\nTIME_ZONE = 'UTC'\nUSE_TZ = True\n"
                "DEFAULT_AUTO_FIELD = 'django.db.models.AutoField'\n"
                "CARBONLINK_HOSTS = []\nLOG_ROTATION = False\n"
                "TAGDB_CACHE_DURATION = 0\nFIND_CACHE_DURATION = 0\nFIND_TOLERANCE = 0\n"
                "FIND_TIMEOUT = 600\nFETCH_TIMEOUT = 600\n"
                "CLUSTER_SERVERS = %r\nSTORAGE_DIR = %r\nLOG_DIR = %r\nWHISPER_DIR = %r\n"
                "INDEX_FILE = %r\nCONF_DIR = %r\nMIGRATION_MODULES = {a: None for a in "
                "('account', 'dashboard', 'events', 'tags', 'url_shortener', 'auth', 'admin', "
                "'sessions', 'contenttypes', 'tagging')}\n" % (
                    config.get("cluster") or [], storage, os.path.join(storage, "log"),
                    os.path.join(storage, "whisper"), os.path.join(storage, "index"), storage))
    os.environ["GRAPHITE_SETTINGS_MODULE"] = "conformance_settings"
    os.environ["DJANGO_SETTINGS_MODULE"] = "graphite.settings"
    sys.path.insert(0, storage)


def write(series):
    """Writes one file as carbon would have done: in order of time, each part
    of it while it was new, so that whisper rolls it up."""
    import whisper
    from graphite.tags.utils import TaggedSeries
    path = series["name"].replace(".", os.sep)
    if ";" in series["name"]:
        path = TaggedSeries.encode(series["name"], sep=os.sep)
    path = os.path.join(config["dir"], "whisper", path + ".wsp")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    whisper.create(path, [tuple(a) for a in series["archives"]], xFilesFactor=series["xff"],
                   aggregationMethod=series["method"])
    step, count = series["archives"][0]
    span = step * count // 2
    part = []
    with open(path, "r+b") as f:
        for point in series["points"] or []:
            if part and point[0] - part[0][0] >= span:
                update(f, part, step)
                part = []
            part.append(tuple(point))
        update(f, part, step)
    os.utime(path, (now, now))


def update(f, part, step):
    """Updates a file with points. Those of one step come one after the other,
    for of several in one update it is not the last that counts."""
    import whisper
    turns = []
    seen = collections.Counter()
    for point in part:
        turn = seen[point[0] // step]
        seen[point[0] // step] += 1
        if turn == len(turns):
            turns.append([])
        turns[turn].append(point)
    for turn in turns:
        whisper.file_update_many(f, turn, now=part[-1][0])


def load():
    from graphite.storage import STORE
    for series in config.get("series") or []:
        write(series)
        STORE.tagdb.tag_series(series["name"])  # carbon does it for names without tags, too


def plain(value):
    """The value as JSON can have it, its types kept."""
    if isinstance(value, tuple):
        return {"tuple": [plain(v) for v in value]}
    if isinstance(value, (list,)):
        return [plain(v) for v in value]
    if isinstance(value, dict):
        return {str(plain(k)): plain(v) for k, v in value.items()}
    if isinstance(value, bytes):
        return {"bytes": value.decode("latin-1")}
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    return {type(value).__name__: repr(value)}


def decode(environ, start_response):
    from graphite.util import msgpack
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    try:
        loads = pickle.loads if environ["PATH_INFO"].endswith("pickle") else msgpack.unpackb
        answer, status = json.dumps(plain(loads(body))), "200 OK"
    except Exception as e:
        answer, status = repr(e), "400 Bad Request"
    start_response(status, [("Content-Type", "application/json")])
    return [answer.encode()]


class Server(socketserver.ThreadingMixIn, wsgiref.simple_server.WSGIServer):
    daemon_threads = True
    request_queue_size = 128


class Handler(wsgiref.simple_server.WSGIRequestHandler):
    def log_message(self, *args):
        pass

    def address_string(self):
        return self.client_address[0]


def main():
    configure()
    import django
    django.setup()
    from django.core.management import call_command
    call_command("migrate", run_syncdb=True, verbosity=0)
    import graphite.render.attime
    import graphite.render.views
    import graphite.metrics.views
    for module in (graphite.render.attime, graphite.render.views, graphite.metrics.views):
        module.datetime = Datetime
    from graphite.wsgi import application
    load()

    def serve(environ, start_response):
        if environ["PATH_INFO"].startswith("/-/decode/"):
            return decode(environ, start_response)
        return application(environ, start_response)

    server = Server(("127.0.0.1", config.get("port", 0)), Handler)
    server.set_app(serve)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_address[1], flush=True)
    sys.stdin.read()


main()
