using System.Text.RegularExpressions;
using Distributed.Node.Commands;
using Distributed.Node.Runs;

namespace Distributed.Cluster.Tests;

/// <summary>What `inspect --ledger` finds in files that were tampered with.</summary>
public sealed class LedgerProofTests : IDisposable
{
    private readonly TinyRun _run = new(steps: 2);
    private readonly string _folder;
    private readonly string _whole;

    public LedgerProofTests()
    {
        _folder = _run.RunAlone();
        _whole = File.ReadAllText(RunFolder.LedgerOf(_folder));
    }

    public void Dispose() => _run.Dispose();

    [Fact]
    public void A_sound_run_is_proved_and_every_tampering_is_found()
    {
        LedgerProof.Of(_folder).Faults.ShouldBeEmpty();
        CommandLine.Run(["inspect", _folder, "--ledger"], CancellationToken.None).ShouldBe(0);
        Tampered(whole => whole[(whole.IndexOf('\n', StringComparison.Ordinal) + 1)..]).ShouldContain("where step 1 belongs");
        Tampered(whole => whole + whole.Split('\n')[1] + "\n").ShouldContain("where step 3 belongs");
        Tampered(whole => whole.Replace("\"group\":7", "\"group\":0", StringComparison.Ordinal)).ShouldContain("group 0 is settled again in step 2");
        Tampered(whole => whole.Replace("\"group\":7", "\"group\":8", StringComparison.Ordinal)).ShouldContain("8 groups were planned");
        Tampered(whole => Regex.Replace(whole, "\"trained\":\\[(\\d)", "\"trained\":[$1,$1")).ShouldContain("has rollouts");
        Tampered(whole => whole.Replace("filtered", "stale", StringComparison.Ordinal)).ShouldContain("ledger.jsonl and open groups have");
        CommandLine.Run(["inspect", _folder, "--ledger"], CancellationToken.None).ShouldBe(1);
    }

    private string Tampered(Func<string, string> change)
    {
        var changed = change(_whole);
        changed.ShouldNotBe(_whole);
        File.WriteAllText(RunFolder.LedgerOf(_folder), changed);
        return string.Join('\n', LedgerProof.Of(_folder).Faults);
    }
}
