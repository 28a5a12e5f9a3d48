-- What routing sees of the controller's Lua: redirects to https, who is behind a location, canaries.
local balancer = require "ngx.balancer"
local world = require "world"
local M = {}

local function has_certificate()
  local host = ngx.var.host
  return world.certificates[host] or world.certificates[(host:gsub("^[^.]+", "*"))]
end

local function redirect(options)
  local scheme, host = ngx.var.scheme, ngx.var.http_host or ngx.var.host
  if world.forwarded then
    scheme = ngx.var.http_x_forwarded_proto or scheme
    local forwarded = ngx.var.http_x_forwarded_host
    host = forwarded and forwarded:match("^[^,]*") or host
  end
  local wanted = options.force or (options.tls and has_certificate())
  if options.never or scheme ~= "http" or not wanted then
    return
  end
  local uri = ngx.var.request_uri
  if not options.slash and uri:sub(-1) == "/" then
    uri = uri:sub(1, -2)
  end
  return ngx.redirect("https://" .. host:match("^[^:]*") .. options.port .. uri, world.code)
end

-- Whether the alternative gets the request.
local function alternates(policy)
  local header = policy.header ~= "" and ngx.var["http_" .. policy.header:gsub("-", "_")]
  if header then
    if policy.value ~= "" then
      if header == policy.value then return true end
    elseif policy.pattern ~= "" then
      local found, failure = ngx.re.match(header, policy.pattern)
      if found then return true end
      if failure then return false end
    elseif header == "always" then
      return true
    elseif header == "never" then
      return false
    end
  end
  local cookie = policy.cookie ~= "" and ngx.var["cookie_" .. policy.cookie]
  if cookie == "always" then return true end
  if cookie == "never" then return false end
  return math.random(math.max(policy.total, 100)) <= policy.weight
end

-- Scheme, host and port of a redirect between a name with www. and the one without.
function M.to(host)
  local scheme, port = ngx.var.scheme, ngx.var.server_port
  if world.forwarded then
    scheme = ngx.var.http_x_forwarded_proto or scheme
    port = ngx.var.http_x_forwarded_port or port
  end
  return scheme .. "://" .. host .. ":" .. port
end

function M.choose()
  local main = world.upstreams[ngx.var.proxy_upstream_name]
  local other = main and main.alternative and world.upstreams[main.alternative]
  if other and other.policy and alternates(other.policy) then
    main = other
  end
  return main
end

function M.rewrite(options)
  redirect(options)
  local chosen = M.choose()
  if not chosen then
    ngx.status = 503
    return ngx.exit(503)
  end
  ngx.ctx.peer = chosen.peer
end

function M.balance()
  local peer = ngx.ctx.peer or M.choose().peer
  balancer.set_current_peer(peer[1], peer[2])
end

return M
