using System.Diagnostics;

using Distributed.Ports;

namespace Distributed.Environments.Hosting;

public sealed partial class EnvironmentHost
{
    private static readonly TimeSpan disposalLimit = TimeSpan.FromSeconds(10);

    // The next job of a worker; waits for one. False when the thread is to end.
    private bool Take(Worker worker)
    {
        lock (gate)
        {
            while (true)
            {
                if (workers.Count - overdue.Count > options.MostWorkers || (stopped && ending.Count == 0))
                {
                    workers.Remove(worker);
                    return false;
                }

                if (ending.TryDequeue(out var ended))
                {
                    // Still running somewhere: it is disposed when that step returns.
                    if (workers.Find(other => other.Running && ReferenceEquals(other.Job.Episode, ended)) is { } busy)
                        busy.DisposeAfter = true;
                    else
                        return worker.Begin(new Job(ended, null, null, Ticks(disposalLimit), 0));
                    continue;
                }

                if (waiting.TryDequeue(out var job))
                    return worker.Begin(job);
                idle++;
                Monitor.Wait(gate);
                idle--;
            }
        }
    }

    // Takes the job back from a worker. True if it is the worker that answers, false if the watch has already.
    private bool Finish(Worker worker, bool failed)
    {
        lock (gate)
        {
            var inTime = !worker.Overdue;
            if (worker.Job.Action is null)
                tally.NotDisposed += failed || !inTime ? 1 : 0;
            else if (inTime && failed)
                tally.Failed++;
            if (!inTime)
                overdue.Remove(worker.Job.Episode);
            if (worker.DisposeAfter)
                ending.Enqueue(worker.Job.Episode);
            worker.End();
            return inTime;
        }
    }

    private sealed class Worker : IDisposable
    {
        private readonly EnvironmentHost host;
        private CancellationTokenSource cancel = new();

        public Worker(EnvironmentHost host)
        {
            this.host = host;
            new Thread(Run) { IsBackground = true, Name = "environment" }.Start();
        }

        public Job Job { get; private set; }

        public long Deadline { get; private set; }

        public bool Running { get; private set; }

        public bool Overdue { get; private set; }

        public bool DisposeAfter { get; set; }

        public bool Begin(in Job job)
        {
            Job = job;
            Deadline = Stopwatch.GetTimestamp() + job.LimitTicks;
            Running = true;
            return true;
        }

        public CancellationTokenSource MarkOverdue()
        {
            Overdue = true;
            return cancel;
        }

        public void End()
        {
            if (Overdue)
                cancel = new CancellationTokenSource();
            Running = Overdue = DisposeAfter = false;
            Job = default;
        }

        public void Dispose() => cancel.Dispose();

        private void Run()
        {
            using var self = this;
            while (host.Take(this))
            {
                var job = Job;
                var result = Execute(job, cancel.Token);
                if (host.Finish(this, failed: result is null))
                    host.Answer(job.Reply, result ?? host.noReply);
            }
        }

        private StepResult? Execute(in Job job, CancellationToken token)
        {
            try
            {
                if (job.Action is { } action)
                    return job.Episode.Step(action, token);
                job.Episode.Dispose();
                return host.noReply;
            }
            catch (Exception error)
            {
                if (error is not OperationCanceledException || !token.IsCancellationRequested)
                    host.options.OnFailure?.Invoke(error);
                return null;
            }
        }
    }
}
