-- load.lua - what wrk sends: one of several people's Authorization header in turn, as long as it runs
-- or, with BENCH_TOTAL, exactly so many requests, each of which is waited for.
--
--   BENCH_AUTH    file, one Authorization header a line
--   BENCH_TOTAL   number of requests (a few more, as many as are about to go when it is reached);
--                 wrk ends when all are answered or its duration is over. Only with -t1, since the
--                 count is the thread's own
--   BENCH_RAMP    milliseconds over which the first requests of BENCH_CONNECTIONS connections are spread: a thousand
--                 connections at the same instant overflow any server's backlog
--
-- Prints one line: "load: requests=N asked=N seconds=S bad=N errors=N p50=MS p99=MS max=MS".
local ffi = require("ffi")
ffi.cdef [[
    typedef struct { long tv_sec; long tv_nsec; } bench_time_t;
    int clock_gettime(int, bench_time_t *);
    int getpid(void);
    int kill(int, int);
]]

local function now()
    local t = ffi.new("bench_time_t[1]")
    ffi.C.clock_gettime(1, t)
    return tonumber(t[0].tv_sec) + tonumber(t[0].tv_nsec) / 1e9
end

local total = tonumber(os.getenv("BENCH_TOTAL") or "")
local ramp = tonumber(os.getenv("BENCH_RAMP") or "") or 0
local first = tonumber(os.getenv("BENCH_CONNECTIONS") or "") or 0
local requests, next_one = {}, 0
local threads = {}
sent, got, bad, began, ended = 0, 0, 0, 0, 0

function setup(thread)
    table.insert(threads, thread)
end

function init()
    for line in io.lines(os.getenv("BENCH_AUTH")) do
        table.insert(requests, wrk.format("GET", nil, { Host = wrk.host, Authorization = line }))
    end
    -- Counting costs the load generator time: only where a count is wanted.
    if total then
        sent = -1 -- wrk asks once more than it sends, to see what the requests are like
        response = function(status)
            got = got + 1
            if status ~= 200 then bad = bad + 1 end
            ended = now()
            if sent >= total and got == sent then
                wrk.thread:stop()
                ffi.C.kill(ffi.C.getpid(), 2) -- wakes wrk's main thread, which sleeps to the end
            end
        end
        delay = function()
            if began == 0 then began = now() end
            if first > 0 then
                first = first - 1
                return math.random(0, ramp)
            end
            return sent < total and 0 or 3600000
        end
    end
end

function request()
    sent = sent + 1
    next_one = next_one % #requests + 1
    return requests[next_one]
end

function done(summary, latency)
    local e = summary.errors
    local count, asked, seconds, wrong = summary.requests, 0, summary.duration / 1e6, e.status
    local errors = e.connect + e.read + e.write + e.timeout
    if total then
        count, wrong, asked = threads[1]:get("got"), threads[1]:get("bad"), threads[1]:get("sent")
        errors = asked - count -- idle connections may be closed while the last answer is waited for
        seconds = threads[1]:get("ended") - threads[1]:get("began")
    end
    io.write(string.format("load: requests=%d asked=%d seconds=%.3f bad=%d errors=%d p50=%.2f p99=%.2f max=%.2f\n",
        count, asked, seconds, wrong, errors,
        latency:percentile(50) / 1000, latency:percentile(99) / 1000, latency.max / 1000))
end
