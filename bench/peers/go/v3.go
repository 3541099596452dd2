package main

import (
	"context"
	"errors"

	clientv3 "go.etcd.io/etcd/client/v3"
)

var clientAt = oncePerEndpoint(func(endpoint string) (*clientv3.Client, error) {
	return clientv3.New(clientv3.Config{Endpoints: []string{endpoint}})
})

// One Watch of go.etcd.io/etcd/client/v3, as its documentation shows it.
func watchV3(c command, take takeFunc) (ending, error) {
	client, err := clientAt(c.Endpoint)
	if err != nil {
		return ending{}, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	begin := clientv3.WithRev(int64(c.AfterIndex) + 1)
	for response := range client.Watch(ctx, c.Key+"/", clientv3.WithPrefix(), begin) {
		if err := response.Err(); err != nil {
			return ending{}, err
		}
		for _, event := range response.Events {
			if take(uint64(event.Kv.ModRevision), string(event.Kv.Key)) {
				return ending{}, nil
			}
		}
	}
	return ending{}, errors.New("the watch was closed")
}
