package retry_test
import ("testing";"time";"fmt")
func TestTrace(t *testing.T) {
	c := newClient(t, 3, 64)
	c.server = &bucketServer{world: c.world, perSecond: 50, burst: 10, latency: 20*time.Millisecond, tokens: 10}
	// open as after an outage
	down := &queueServer{world: c.world}
	down.down = outages(down)["refuses connections"]
	b := c.server
	c.server = down
	for i := range 2000 { c.add(i) }
	c.after(20*time.Second, func(){c.server=b})
	var tick func()
	last := 0
	lr:=0
	tick = func(){ s:=c.governor.State(c.clock()); fmt.Println(c.now, s.Held, s.Limit, s.InFlight, fmt.Sprintf("%.1f",s.PerSecond), len(c.done)-last, c.refused-lr); last=len(c.done); lr=c.refused; if c.now<50*time.Second {c.after(500*time.Millisecond,tick)}}
	c.after(10*time.Second,tick)
	c.until(60*time.Second)
}
