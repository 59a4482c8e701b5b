-- Reads the records of the list BENCH_IDS, each thread its share: in random order, or ("once") each a single time.
dofile(os.getenv("BENCH_LUA") .. "/report.lua")

local texts = {}
local at = 0
local once = os.getenv("BENCH_ORDER") == "once"

function init()
	local n = 0
	for id in io.lines(os.getenv("BENCH_IDS")) do
		if n % threads == number then
			texts[#texts + 1] = id
		end
		n = n + 1
	end
	math.randomseed(number + 1)
	for i = 1, #texts do
		texts[i] = wrk.format("GET", "/v1/records/" .. texts[i])
	end
end

function request()
	if not once then
		return texts[math.random(#texts)]
	end
	at = at + 1
	if at >= #texts then
		wrk.thread:stop()
	end
	return texts[math.min(at, #texts)]
end
