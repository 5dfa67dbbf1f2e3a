using Distributed.Engine.Formats;

namespace Distributed.Engine.Tests.Formats;

public sealed class FormatFuzzerTests
{
    [Fact]
    public void Damaged_files_of_every_kind_are_accepted_or_refused_in_one_line_that_names_them()
    {
        var report = FormatFuzzer.Run(new FuzzOptions { Inputs = 5000, Seed = 7 });
        report.Failures.ShouldBeEmpty();
        report.Passed.ShouldBeTrue();
        report.Inputs.ShouldBe(5000);
        report.Tallies.Select(tally => tally.Format).ShouldBe(
            ["model.safetensors", "config.json", "model.safetensors.index.json", "adapter_config.json", "adapter_model.safetensors"]);
        foreach (var tally in report.Tallies)
        {
            tally.Refused.ShouldBeGreaterThan(tally.Inputs / 2, tally.Format);
            (tally.Accepted + tally.Refused).ShouldBe(tally.Inputs, tally.Format);
        }

        // Some damage does no harm; were nothing accepted, the files would not have been valid to begin with.
        report.Tallies.Sum(tally => tally.Accepted).ShouldBeGreaterThan(50);
    }

    [Fact]
    public void The_same_seed_damages_files_the_same_way()
    {
        var source = "{\"a\": [1, 2, 3], \"b\": \"c\"}"u8.ToArray();
        var (one, same, other) = (new FormatMutator(3), new FormatMutator(3), new FormatMutator(4));
        var differs = false;
        for (var i = 0; i < 50; i++)
        {
            var damaged = one.Mutate(source);
            same.Mutate(source).ShouldBe(damaged);
            differs |= !other.Mutate(source).AsSpan().SequenceEqual(damaged);
        }

        differs.ShouldBeTrue();
    }
}
