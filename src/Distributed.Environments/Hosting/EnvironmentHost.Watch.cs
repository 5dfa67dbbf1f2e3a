using System.Diagnostics;

using Distributed.Ports;

namespace Distributed.Environments.Hosting;

public sealed partial class EnvironmentHost
{
    private static readonly TimeSpan tick = TimeSpan.FromMilliseconds(10);

    // Long enough that a busy machine does not look like a slow tool.
    private static readonly long growAfter = Ticks(TimeSpan.FromMilliseconds(50));

    // What the watch has to do after a look at the host: answers to give and steps to cancel.
    private bool LookAround(List<Action<StepResult>> unanswered, List<CancellationTokenSource> cancelled)
    {
        lock (gate)
        {
            var now = Stopwatch.GetTimestamp();
            var running = false;
            foreach (var worker in workers)
            {
                if (!worker.Running || worker.Overdue)
                    continue;
                running = true;
                if (now < worker.Deadline)
                    continue;
                cancelled.Add(worker.MarkOverdue());
                overdue[worker.Job.Episode] = worker;
                if (worker.Job.Reply is { } reply)
                {
                    unanswered.Add(reply);
                    tally.TimedOut++;
                }
            }

            while (waiting.TryPeek(out var job) && now - job.AskedAt >= job.LimitTicks)
            {
                waiting.Dequeue();
                unanswered.Add(job.Reply!);
                tally.NoThread++;
            }

            var slow = waiting.TryPeek(out var head) && now - head.AskedAt >= growAfter;
            if (idle == 0 && (slow || (waiting.Count + ending.Count > 0 && overdue.Count == workers.Count)))
                AddWorker();
            return running || waiting.Count > 0 || (ending.Count > 0 && !AllHung());
        }
    }

    private bool HasWork => waiting.Count > 0 || ending.Count > 0 || workers.Exists(worker => worker.Running && !worker.Overdue);

    // Answers for steps whose time is up; asleep while nothing runs. `asleep` is set under the host's lock and the signal's.
    private sealed class Watch
    {
        // Falling asleep and being woken costs more than a few looks at nothing.
        private const int QuietTicks = 50;

        private readonly EnvironmentHost host;
        private readonly object signal = new();
        private readonly List<Action<StepResult>> unanswered = [];
        private readonly List<CancellationTokenSource> cancelled = [];
        private bool asleep = true;

        public Watch(EnvironmentHost host)
        {
            this.host = host;
            new Thread(Run) { IsBackground = true, Name = "environment watch" }.Start();
        }

        // Under the host's lock.
        public void Wake()
        {
            if (!asleep)
                return;
            lock (signal)
            {
                asleep = false;
                Monitor.Pulse(signal);
            }
        }

        private void Run()
        {
            for (var quiet = 0; ;)
            {
                WaitForTick();
                quiet = host.LookAround(unanswered, cancelled) ? 0 : quiet + 1;
                foreach (var reply in unanswered)
                    host.Answer(reply, host.noReply);
                foreach (var overdue in cancelled)
                    _ = overdue.CancelAsync();
                unanswered.Clear();
                cancelled.Clear();
                if (quiet < QuietTicks)
                    continue;
                lock (host.gate)
                {
                    if (host.stopped)
                        return;
                    lock (signal)
                        asleep = !host.HasWork;
                }
            }
        }

        // A tick; while asleep, until woken. Whoever wakes has set `asleep` under the same lock.
        private void WaitForTick()
        {
            lock (signal)
            {
                if (!asleep)
                {
                    Monitor.Wait(signal, tick);
                    return;
                }

                while (asleep)
                    Monitor.Wait(signal);
            }
        }
    }
}
