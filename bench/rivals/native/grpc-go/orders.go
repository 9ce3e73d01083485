package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// mark is what one side has done so far. README.md describes it.
type mark struct {
	AtMs    float64 `json:"atMs"`
	CPUUs   int64   `json:"cpuUs"`
	Done    uint64  `json:"done"`
	Wrong   uint64  `json:"wrong"`
	Failed  uint64  `json:"failed"`
	Failure string  `json:"failure"`
}

var (
	done, wrong, failed uint64
	failure             string
	failureLock         sync.Mutex
	started             = time.Now()
)

func countDone() { atomic.AddUint64(&done, 1) }

func countWrong() { atomic.AddUint64(&wrong, 1) }

// countFailed keeps the text of the first.
func countFailed(err error) {
	failureLock.Lock()
	defer failureLock.Unlock()
	failed++
	if failed == 1 {
		failure = err.Error()
	}
}

func microseconds(time syscall.Timeval) int64 { return int64(time.Sec)*1e6 + int64(time.Usec) }

func markNow() mark {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		die(err)
	}
	failureLock.Lock()
	defer failureLock.Unlock()
	return mark{
		AtMs:    float64(time.Since(started).Nanoseconds()) / 1e6,
		CPUUs:   microseconds(used.Utime) + microseconds(used.Stime),
		Done:    atomic.LoadUint64(&done),
		Wrong:   atomic.LoadUint64(&wrong),
		Failed:  failed,
		Failure: failure,
	}
}

// ready prints the first line and starts to obey stdin, which ends the process.
func ready(port int) {
	fmt.Printf("{\"ready\":{\"port\":%d}}\n", port)
	go func() {
		for orders := bufio.NewScanner(os.Stdin); orders.Scan() && orders.Text() != "stop"; {
			if orders.Text() != "mark" {
				continue
			}
			if err := json.NewEncoder(os.Stdout).Encode(map[string]mark{"mark": markNow()}); err != nil {
				die(err)
			}
		}
		os.Exit(0)
	}()
}
