using System.Collections.Concurrent;
using Distributed.Node.Runs;
using Distributed.Ports;

namespace Distributed.Node.Checkpoints;

/// <summary>
/// Keeps the newest checkpoints of a run in one folder. Owns a writer thread and a queue of at most <see cref="QueueLength"/>; a save that
/// finds the queue full is refused at once, never waited for. A checkpoint already kept is deleted only when enough newer ones stand.
/// </summary>
public sealed class CheckpointFolder : ICheckpointStore, IDisposable
{
    /// <summary>Saves that may wait for the disk.</summary>
    public const int QueueLength = 2;

    private static readonly TimeSpan LongestClose = TimeSpan.FromMinutes(2);

    private readonly string path;
    private readonly int keep;
    private readonly IModelFiles files;
    private readonly BlockingCollection<(Checkpoint Checkpoint, Action<EngineError?> Reply)> queue = new(QueueLength);
    private readonly Thread writer;

    /// <summary>Opens a folder for writing and removes what an interrupted writer left behind.</summary>
    /// <param name="path">The folder; made if it is missing.</param>
    /// <param name="keep">How many checkpoints stay, at least 1.</param>
    /// <param name="files">Writes the engine's part.</param>
    /// <exception cref="RefusedException">The folder cannot be written.</exception>
    public CheckpointFolder(string path, int keep, IModelFiles files)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(keep, 1);
        this.path = path;
        this.keep = keep;
        this.files = files;
        Disk.Guard(path, () =>
        {
            Directory.CreateDirectory(path);
            CheckpointDirectory.RemoveUnfinished(path);
        });
        writer = new Thread(WriteAll) { IsBackground = true, Name = "checkpoints" };
        writer.Start();
    }

    /// <inheritdoc/>
    public void Save(Checkpoint checkpoint, Action<EngineError?> reply)
    {
        if (queue.IsAddingCompleted || !queue.TryAdd((checkpoint, reply)))
        {
            reply(new EngineError($"{path}: the checkpoint of step {checkpoint.Version} is left out, {QueueLength} others still wait for the disk; raise checkpoint.every_steps"));
        }
    }

    /// <inheritdoc/>
    public Checkpoint? LoadNewest(Action<string> warn) => LoadNewest(path, files, warn);

    /// <summary>The newest whole checkpoint below a folder, or null if there is none; broken ones are named in <paramref name="warn"/> and passed over.</summary>
    public static Checkpoint? LoadNewest(string path, IModelFiles files, Action<string> warn)
    {
        foreach (var (_, checkpoint) in CheckpointDirectory.List(path))
        {
            try
            {
                return CheckpointDirectory.Read(checkpoint, files);
            }
            catch (BrokenCheckpointException e)
            {
                warn($"{e.Message}; this checkpoint is passed over for an older one");
            }
        }
        return null;
    }

    /// <summary>Waits for the saves under way.</summary>
    public void Dispose()
    {
        queue.CompleteAdding();
        if (Thread.CurrentThread != writer && writer.Join(LongestClose))
        {
            queue.Dispose();
        }
    }

    private void WriteAll()
    {
        foreach (var (checkpoint, reply) in queue.GetConsumingEnumerable())
        {
            reply(Write(checkpoint));
        }
    }

    private EngineError? Write(Checkpoint checkpoint)
    {
        try
        {
            CheckpointDirectory.Write(path, checkpoint, files);
            foreach (var (_, old) in CheckpointDirectory.List(path).Where(entry => entry.Version <= checkpoint.Version).Skip(keep))
            {
                CheckpointDirectory.Delete(old);
            }
            return null;
        }
        catch (RefusedException e)
        {
            return new EngineError(e.Message);
        }
        catch (Exception e)
        {
            return new EngineError(Disk.Explain(CheckpointDirectory.PathOf(path, checkpoint.Version), e));
        }
    }
}
