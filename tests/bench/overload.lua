-- Makes records, and sorts the answers: right, refused as agreed, anything else. Reads BENCH_SIZE.
dofile(os.getenv("BENCH_LUA") .. "/post.lua")

local crew = {}
local setup_one, done_all = setup, done

function setup(thread)
	setup_one(thread)
	table.insert(crew, thread)
end

good, refused, wrong, example = 0, 0, 0, 0

function response(status, headers)
	if status == 201 then
		good = good + 1
	elseif (status == 429 or status == 503) and (headers["Retry-After"] or headers["retry-after"]) then
		refused = refused + 1
	else
		wrong = wrong + 1
		example = status
	end
end

function done(summary, latency, requests)
	local sum = { good = 0, refused = 0, wrong = 0, example = 0 }
	for _, thread in ipairs(crew) do
		for name in pairs(sum) do
			sum[name] = sum[name] + thread:get(name)
		end
	end
	io.write(string.format("SORTED good=%d refused=%d wrong=%d example=%d\n", sum.good, sum.refused, sum.wrong,
		sum.example))
	done_all(summary, latency, requests)
end
