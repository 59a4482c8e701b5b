-- Reads records of the list BENCH_PAIRS, lines of a token and a record's id, in random order; each thread its share.
dofile(os.getenv("BENCH_LUA") .. "/report.lua")

local texts = {}

function init()
	local n = 0
	for line in io.lines(os.getenv("BENCH_PAIRS")) do
		local token, id = line:match("^(%S+) (%x+)$")
		if n % threads == number then
			id = id:gsub("^(........)(....)(....)(....)", "%1-%2-%3-%4-")
			texts[#texts + 1] = wrk.format("GET", "/v1/records/" .. id, { Authorization = "Bearer " .. token })
		end
		n = n + 1
	end
	math.randomseed(number + 1)
end

function request()
	return texts[math.random(#texts)]
end
