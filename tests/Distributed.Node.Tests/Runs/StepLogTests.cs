using System.Text;
using Distributed.Node.Runs;

namespace Distributed.Node.Tests.Runs;

public sealed class StepLogTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    private string Log => folder["log.jsonl"];

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("{\"step\":1}\n{\"step\":2}\n{\"step\":3}\n", 2, "{\"step\":1}\n{\"step\":2}\n")]
    [InlineData("{\"step\":1}\n{\"step\":2}\n{\"step\":2}\n", 2, "{\"step\":1}\n{\"step\":2}\n{\"step\":2}\n")]
    [InlineData("{\"step\":1}\n{\"step\":2}\n", 0, "")]
    [InlineData("{\"step\":1}\n{\"st", 9, "{\"step\":1}\n")]
    [InlineData("{\"step\":1}\n{\"st\n", 9, "{\"step\":1}\n")]
    [InlineData("{\"step\":1}\n{\"step\":2}", 9, "{\"step\":1}\n")]
    [InlineData("", 9, "")]
    public void What_was_written_after_the_step_or_torn_is_cut_off(string before, int step, string after)
    {
        File.WriteAllText(Log, before);
        StepLog.Open(Log, step).Dispose();
        File.ReadAllText(Log).ShouldBe(after);
    }

    [Fact]
    public void Lines_are_appended_after_what_stays()
    {
        File.WriteAllText(Log, "{\"step\":1}\n{\"step\":2}\n");
        using (var log = StepLog.Open(Log, 1))
        {
            log.Append(Encoding.UTF8.GetBytes("{\"step\":2,\"again\":true}"));
        }
        File.ReadAllText(Log).ShouldBe("{\"step\":1}\n{\"step\":2,\"again\":true}\n");
    }

    [Theory]
    [InlineData("{\"step\":1}\nnonsense\n{\"step\":2}\n")]
    [InlineData("{\"step\":1}\n{\"stop\":2}\n{\"step\":2}\n")]
    [InlineData("{\"step\":1}\n[]\n{\"step\":2}\n")]
    public void A_broken_line_in_the_middle_is_refused_with_its_number_and_nothing_is_cut(string text)
    {
        File.WriteAllText(Log, text);
        Should.Throw<RefusedException>(() => StepLog.Open(Log, 9)).Message.ShouldBe($"{Log}:2: is no JSON object with a step; remove the line");
        File.ReadAllText(Log).ShouldBe(text);
    }

    [Fact]
    public void A_missing_log_is_refused_with_its_name_when_read() =>
        Should.Throw<RefusedException>(() => StepLog.Read(Log).ToList()).Message.ShouldBe($"{Log}: there is no such file; check the path");

    [Fact]
    public void A_full_disk_is_one_line()
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }
        Should.Throw<RefusedException>(() => Disk.Guard("/dev/full", () => File.WriteAllText("/dev/full", "x")))
            .Message.ShouldBe("/dev/full: the disk is full; free some space, then go on with --resume");
    }
}
