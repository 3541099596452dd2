package main

import (
	"context"

	client "go.etcd.io/etcd/client/v2"
)

var keysAt = oncePerEndpoint(func(endpoint string) (client.KeysAPI, error) {
	c, err := client.New(client.Config{Endpoints: []string{endpoint}, Transport: client.DefaultTransport})
	if err != nil {
		return nil, err
	}
	return client.NewKeysAPI(c), nil
})

// The loop over Watcher.Next of go.etcd.io/etcd/client/v2, as its documentation shows it.
func watchV2(c command, take takeFunc) (ending, error) {
	keys, err := keysAt(c.Endpoint)
	if err != nil {
		return ending{}, err
	}
	watcher := keys.Watcher(c.Key, &client.WatcherOptions{AfterIndex: c.AfterIndex, Recursive: true})
	for {
		response, err := watcher.Next(context.Background())
		if err != nil {
			if e, ok := err.(client.Error); ok && e.Code == client.ErrorCodeEventIndexCleared {
				return ending{Gaps: 1, Stopped: err.Error()}, nil
			}
			return ending{}, err
		}
		if take(response.Node.ModifiedIndex, response.Node.Key) {
			return ending{}, nil
		}
	}
}
