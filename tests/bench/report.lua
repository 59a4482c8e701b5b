-- What every load shares: the bearer token from the environment, a number for each thread, and one line for the reader.
local threads = 0

wrk.headers["Authorization"] = "Bearer " .. (os.getenv("BENCH_TOKEN") or "")

function setup(thread)
	thread:set("number", threads)
	threads = threads + 1
	thread:set("threads", tonumber(os.getenv("BENCH_THREADS")))
end

function done(summary, latency, requests)
	local e = summary.errors
	io.write(string.format(
		"BENCH requests=%d microseconds=%d p50=%d p99=%d connect=%d read=%d write=%d timeout=%d status=%d\n",
		summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), e.connect, e.read,
		e.write, e.timeout, e.status))
end
