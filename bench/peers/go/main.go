// The bench's Go peer: etcd's own clients. It speaks the protocol of bench/clients/protocol.ts.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"runtime/debug"
	"sync"
	"time"
)

type command struct {
	Mode       string `json:"mode"`
	API        string `json:"api"`
	Endpoint   string `json:"endpoint"`
	Key        string `json:"key"`
	AfterIndex uint64 `json:"afterIndex"`
	Count      int    `json:"count"`
	LastKey    string `json:"lastKey"`
	Watches    int    `json:"watches"`
}

type failure struct {
	Error string `json:"error"`
}

type clockAnswer struct {
	Ns int64 `json:"ns"`
}

type catchUpAnswer struct {
	Ms        float64 `json:"ms"`
	Events    int     `json:"events"`
	LastIndex uint64  `json:"lastIndex"`
}

type ending struct {
	Gaps    int    `json:"gaps"`
	Stopped string `json:"stopped,omitempty"`
}

type watchAnswer struct {
	ending
	Indexes []uint64 `json:"indexes"`
	Ns      []int64  `json:"ns"`
}

// takeFunc is given each event; true says that it was the last one wanted.
type takeFunc func(index uint64, key string) bool

var watches = map[string]func(c command, take takeFunc) (ending, error){"v2": watchV2, "v3": watchV3}

func catchUp(c command) (any, error) {
	begin := time.Now()
	answer := catchUpAnswer{}
	end, err := watches[c.API](c, func(index uint64, _ string) bool {
		answer.Events++
		answer.LastIndex = index
		if answer.Events < c.Count {
			return false
		}
		answer.Ms = float64(time.Since(begin).Nanoseconds()) / 1e6
		return true
	})
	if err == nil && end.Gaps > 0 {
		err = fmt.Errorf("%s", end.Stopped)
	}
	return answer, err
}

func watch(c command) (any, error) {
	answer := watchAnswer{Indexes: []uint64{}, Ns: []int64{}}
	end, err := watches[c.API](c, func(index uint64, key string) bool {
		answer.Indexes = append(answer.Indexes, index)
		answer.Ns = append(answer.Ns, nanotime())
		return key == c.LastKey
	})
	answer.ending = end
	return answer, err
}

// Has one for each of the open watches: nil for its first event, or why it failed.
var opened chan error
var heard int

func open(c command) (any, error) {
	opened = make(chan error, c.Watches)
	for nth := 0; nth < c.Watches; nth++ {
		one := c
		one.Key = fmt.Sprintf("%s/%d", c.Key, nth)
		go func() {
			var first sync.Once
			_, err := watches[c.API](one, func(uint64, string) bool {
				first.Do(func() { opened <- nil })
				return false
			})
			first.Do(func() { opened <- err })
		}()
	}
	return struct{}{}, nil
}

func waitUntilHeard(c command) (any, error) {
	if c.Count == 0 {
		debug.FreeOSMemory()
	}
	for ; heard < c.Count; heard++ {
		if err := <-opened; err != nil {
			return nil, err
		}
	}
	return struct{}{}, nil
}

func answer(c command) (any, error) {
	switch c.Mode {
	case "clock":
		return clockAnswer{Ns: nanotime()}, nil
	case "catch-up":
		return catchUp(c)
	case "watch":
		return watch(c)
	case "open":
		return open(c)
	case "heard":
		return waitUntilHeard(c)
	default:
		return nil, fmt.Errorf("this client has no mode %s", c.Mode)
	}
}

// oncePerEndpoint gives a function that makes one thing for each endpoint, and the same one for the same.
func oncePerEndpoint[T any](make func(endpoint string) (T, error)) func(endpoint string) (T, error) {
	var lock sync.Mutex
	made := map[string]T{}
	return func(endpoint string) (T, error) {
		lock.Lock()
		defer lock.Unlock()
		if one, ok := made[endpoint]; ok {
			return one, nil
		}
		one, err := make(endpoint)
		if err == nil {
			made[endpoint] = one
		}
		return one, err
	}
}

func main() {
	commands := make(chan command)
	go func() {
		lines := bufio.NewScanner(os.Stdin)
		for lines.Scan() {
			var c command
			if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
				panic(err)
			}
			commands <- c
		}
		// The bench has ended, maybe in the middle of a watch.
		os.Exit(0)
	}()
	out := json.NewEncoder(os.Stdout)
	for c := range commands {
		found, err := answer(c)
		if err != nil {
			found = failure{Error: err.Error()}
		}
		if err := out.Encode(found); err != nil {
			os.Exit(1)
		}
	}
}
