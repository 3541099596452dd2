// The bench's Go peer: the loop over Watcher.Next of go.etcd.io/etcd/client/v2, as its documentation shows it.
// It speaks the protocol of bench/parties/protocol.ts.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	client "go.etcd.io/etcd/client/v2"
)

type command struct {
	Mode       string `json:"mode"`
	Endpoint   string `json:"endpoint"`
	Key        string `json:"key"`
	AfterIndex uint64 `json:"afterIndex"`
	Count      int    `json:"count"`
	LastKey    string `json:"lastKey"`
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

type watchAnswer struct {
	Indexes []uint64 `json:"indexes"`
	Ns      []int64  `json:"ns"`
	Gaps    int      `json:"gaps"`
	Stopped string   `json:"stopped,omitempty"`
}

var keys client.KeysAPI

func keysAt(endpoint string) (client.KeysAPI, error) {
	if keys != nil {
		return keys, nil
	}
	c, err := client.New(client.Config{Endpoints: []string{endpoint}, Transport: client.DefaultTransport})
	if err != nil {
		return nil, err
	}
	keys = client.NewKeysAPI(c)
	return keys, nil
}

func catchUp(c command) (any, error) {
	api, err := keysAt(c.Endpoint)
	if err != nil {
		return nil, err
	}
	begin := time.Now()
	watcher := api.Watcher(c.Key, &client.WatcherOptions{AfterIndex: c.AfterIndex, Recursive: true})
	answer := catchUpAnswer{}
	for answer.Events < c.Count {
		response, err := watcher.Next(context.Background())
		if err != nil {
			return nil, err
		}
		answer.Events++
		answer.LastIndex = response.Node.ModifiedIndex
	}
	answer.Ms = float64(time.Since(begin).Nanoseconds()) / 1e6
	return answer, nil
}

func watch(c command) (any, error) {
	api, err := keysAt(c.Endpoint)
	if err != nil {
		return nil, err
	}
	watcher := api.Watcher(c.Key, &client.WatcherOptions{AfterIndex: c.AfterIndex, Recursive: true})
	answer := watchAnswer{Indexes: []uint64{}, Ns: []int64{}}
	for {
		response, err := watcher.Next(context.Background())
		if err != nil {
			if e, ok := err.(client.Error); ok && e.Code == client.ErrorCodeEventIndexCleared {
				answer.Gaps = 1
				answer.Stopped = err.Error()
				return answer, nil
			}
			return nil, err
		}
		answer.Indexes = append(answer.Indexes, response.Node.ModifiedIndex)
		answer.Ns = append(answer.Ns, nanotime())
		if response.Node.Key == c.LastKey {
			return answer, nil
		}
	}
}

func answer(c command) (any, error) {
	switch c.Mode {
	case "clock":
		return clockAnswer{Ns: nanotime()}, nil
	case "catch-up":
		return catchUp(c)
	case "watch":
		return watch(c)
	default:
		return nil, fmt.Errorf("this party has no mode %s", c.Mode)
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
