using Distributed.Actors.Coordination;
using Distributed.Protocol;

namespace Distributed.Actors.Tests.Coordination;

public sealed class AdmissionTests
{
    private static readonly CoordinatorOptions Options = new() { Seed = 1, Steps = 10, PromptsPerStep = 4, GroupSize = 2, MaxStalenessSteps = 2, TrainProblems = 6 };

    [Theory]
    [InlineData(0, 0, 4)] // synchronous: one batch
    [InlineData(0, 3, 16)]
    [InlineData(2, 0, 12)]
    [InlineData(2, 7, 40)]
    [InlineData(2, 9, 40)] // never more than the run needs
    public void Planned_groups_are_bounded_by_staleness_and_version(int staleness, long version, long groups) =>
        Admission.PlannedGroupsMax(Options with { MaxStalenessSteps = staleness }, new PolicyVersion(version)).ShouldBe(groups);

    [Theory]
    [InlineData(5, 5, true)]
    [InlineData(3, 5, true)]
    [InlineData(2, 5, false)]
    public void A_sample_is_fresh_within_the_bound(long sampled, long trained, bool fresh) =>
        Admission.IsFresh(Options, new PolicyVersion(sampled), new PolicyVersion(trained)).ShouldBe(fresh);

    [Fact]
    public void The_standing_version_may_make_whatever_is_planned_and_a_lagging_one_only_what_is_due_early()
    {
        for (long version = 0; version < 10; version++)
            for (long group = 0; group < Admission.PlannedGroupsMax(Options, new PolicyVersion(version)); group++)
                Admission.WillBeFresh(Options, new PolicyVersion(version), new PolicyVersion(version), group).ShouldBeTrue();
        Admission.WillBeFresh(Options, new PolicyVersion(4), new PolicyVersion(6), 6 * 4).ShouldBeTrue();
        Admission.WillBeFresh(Options, new PolicyVersion(4), new PolicyVersion(6), 7 * 4).ShouldBeFalse();
        Admission.WillBeFresh(Options, new PolicyVersion(3), new PolicyVersion(6), 0).ShouldBeFalse();
    }

    [Fact]
    public void Every_epoch_walks_through_every_problem_once_in_an_order_of_its_own()
    {
        var epochs = Enumerable.Range(0, 4).Select(epoch => Enumerable.Range(0, 6).Select(i => Admission.ProblemIndex(Options, epoch * 6 + i)).ToArray()).ToArray();
        foreach (var epoch in epochs) epoch.Order().ShouldBe([0L, 1, 2, 3, 4, 5]);
        epochs.Select(epoch => string.Join(',', epoch)).Distinct().Count().ShouldBeGreaterThan(1);
        Admission.ProblemIndex(Options with { TrainProblems = long.MaxValue }, 123).ShouldBe(123);
    }
}

public sealed class PermutationTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    [InlineData(64)]
    [InlineData(65)]
    [InlineData(1000)]
    [InlineData(4097)]
    public void A_permutation_hits_every_place_once(int count)
    {
        foreach (var seed in new[] { 0UL, 1UL, 0xFFFF_FFFF_FFFF_FFFFUL })
        {
            var hit = new bool[count];
            for (var index = 0; index < count; index++)
            {
                var at = Permutation.At(index, count, seed);
                at.ShouldBeInRange(0, count - 1);
                hit[at].ShouldBeFalse();
                hit[at] = true;
            }
        }
    }

    [Fact]
    public void Different_seeds_give_different_orders() =>
        Enumerable.Range(0, 50).Select(seed => string.Join(',', Enumerable.Range(0, 20).Select(index => Permutation.At(index, 20, (ulong)seed)))).Distinct().Count().ShouldBe(50);

    [Fact]
    public void A_place_outside_is_refused()
    {
        Should.Throw<ArgumentOutOfRangeException>(() => Permutation.At(5, 5, 0));
        Should.Throw<ArgumentOutOfRangeException>(() => Permutation.At(-1, 5, 0));
    }

    [Fact]
    public void Very_long_ranges_work_too() => Permutation.At(long.MaxValue / 4, long.MaxValue / 2, 3).ShouldBeInRange(0, long.MaxValue / 2 - 1);
}
