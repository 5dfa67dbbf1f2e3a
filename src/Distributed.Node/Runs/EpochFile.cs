using System.Globalization;
using Distributed.Protocol;

namespace Distributed.Node.Runs;

/// <summary>
/// The file <c>epoch</c> of a run folder: the highest epoch a learner of the run has used. It is durable before a life begins, so that two learners
/// never speak under the same epoch, however often the process is killed between two checkpoints.
/// </summary>
internal sealed class EpochFile(string run)
{
    private readonly string _path = Path.Combine(run, "epoch");

    /// <summary>The highest epoch used; 0 if there was none.</summary>
    /// <exception cref="RefusedException">The file is there but cannot be understood.</exception>
    public long Read()
    {
        if (!File.Exists(_path)) return 0;
        var text = Disk.Guard(_path, () => File.ReadAllText(_path), "read");
        return long.TryParse(text.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var epoch)
            ? epoch
            : throw new RefusedException($"{_path}: is no number; write the highest epoch that the notices of this run name, or a large number such as 1000");
    }

    /// <summary>Makes an epoch durable.</summary>
    public void Write(LearnerEpoch epoch) => Disk.Guard(_path, () =>
    {
        var aside = _path + ".writing";
        File.WriteAllText(aside, epoch.Value.ToString(CultureInfo.InvariantCulture) + "\n");
        Disk.FlushFile(aside);
        File.Move(aside, _path, overwrite: true);
        Disk.FlushFolder(Path.GetDirectoryName(Path.GetFullPath(_path))!);
    });
}
