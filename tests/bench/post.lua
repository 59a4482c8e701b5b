-- Makes records of BENCH_SIZE bytes.
dofile(os.getenv("BENCH_LUA") .. "/report.lua")

local text

function init()
	wrk.method = "POST"
	wrk.headers["Content-Type"] = "application/octet-stream"
	wrk.body = string.rep("0123456789abcdef", tonumber(os.getenv("BENCH_SIZE")) / 16)
	text = wrk.format()
end

function request()
	return text
end
